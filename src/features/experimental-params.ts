/** Members of params that several methods keep for clients with the experimental capability. */
import type { ExperimentalParam } from "../dispatch/define.ts";
import { isRecord } from "../util/is-record.ts";

/** An approval policy of many switches. */
export const granularPolicy: ExperimentalParam = {
  member: "approvalPolicy",
  isPresent: (value) => isRecord(value) && "granular" in value,
  called: "askForApproval.granular",
};

/** A choice in which false says something, too. */
export const evenFalse = (member: string): ExperimentalParam => ({
  member,
  isPresent: (value) => value !== null,
});

/** A filter in which null says something, too. */
export const evenNull = (member: string): ExperimentalParam => ({ member, isPresent: () => true });
