import { isRecord } from "../util/is-record.ts";
import { CliError } from "./cli-error.ts";

/** Members of the host's answers, read without trust: an older or newer host may answer otherwise. */
type Answer = Readonly<Record<string, unknown>>;

export function textOf(answer: Answer, member: string): string {
  const value = answer[member];
  if (typeof value !== "string") throw unfit(member);
  return value;
}

export function numberOf(answer: Answer, member: string): number {
  const value = answer[member];
  if (typeof value !== "number") throw unfit(member);
  return value;
}

export function textsOf(answer: Answer, member: string): readonly string[] {
  const value = answer[member];
  if (!Array.isArray(value) || !value.every((each) => typeof each === "string")) {
    throw unfit(member);
  }
  return value;
}

export function rowsOf(answer: Answer, member: string): readonly Answer[] {
  const value = answer[member];
  if (!Array.isArray(value) || !value.every(isRecord)) throw unfit(member);
  return value;
}

const unfit = (member: string): CliError =>
  new CliError(
    `The running host answered without a usable "${member}"; restart it so that it is this version.`,
  );
