/** Plans that clients of the protocol know by name; all others read `unknown`. */
const PLAN_TYPES = new Set([
  "free",
  "go",
  "plus",
  "pro",
  "prolite",
  "promax",
  "team",
  "self_serve_business_prolite",
  "self_serve_business_usage_based",
  "business",
  "ent26",
  "enterprise_cbp_automation",
  "enterprise_cbp_usage_based",
  "enterprise",
  "edu",
  "edu_plus",
  "edu_pro",
  "sci",
  "sci_plus",
]);

export const planTypeOf = (plan: unknown): string =>
  typeof plan === "string" && PLAN_TYPES.has(plan) ? plan : "unknown";
