/** A login that cannot be used: a sentence about why and one about what to do. Never holds a secret. */
export class LoginError extends Error {
  override readonly name = "LoginError";
  readonly reason: string;
  readonly nextStep: string;

  constructor(reason: string, nextStep: string, options: { readonly cause?: unknown } = {}) {
    super(`${reason}. ${nextStep}`, options);
    this.reason = reason;
    this.nextStep = nextStep;
  }
}
