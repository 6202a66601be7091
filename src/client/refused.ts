/** Why this device may not come in: a stable code, a sentence, and what to do next. */
export interface SignedOutReason {
  readonly code: string;
  readonly message: string;
  readonly nextStep: string;
}

/** The host said no. `status` is the HTTP status; 0 where the refusal was decided here. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number;
  readonly code: string;
  readonly nextStep: string;

  constructor(status: number, reason: SignedOutReason) {
    super(reason.message);
    this.status = status;
    this.code = reason.code;
    this.nextStep = reason.nextStep;
  }

  get reason(): SignedOutReason {
    return { code: this.code, message: this.message, nextStep: this.nextStep };
  }

  /** Whether trying again later can help without anyone doing anything. */
  get temporary(): boolean {
    return (
      temporaryStatuses.has(this.status) || this.status >= 500 || this.code === "challenge_unknown"
    );
  }
}

/** Request Timeout, Too Early, Too Many Requests. A challenge that ran out on a slow link is simply asked for anew. */
const temporaryStatuses: ReadonlySet<number> = new Set([408, 425, 429]);

export const pairAgain = "Run `npx farhelm pair` on the host and open the new link here.";

export const hostRestored: SignedOutReason = {
  code: "host_restored",
  message: "The host was restored from a backup that is older than what this device knows of it.",
  nextStep:
    "On the host, look at `npx farhelm devices confirm-restore` and run it with --yes; then try again here.",
};

export const notPaired: SignedOutReason = {
  code: "not_paired",
  message: "This browser is not paired with this host yet.",
  nextStep: pairAgain,
};
