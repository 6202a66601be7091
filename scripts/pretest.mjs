// Runs before `npm test`: the suite needs what the product needs, dev dependencies and dist/ included.
void import("./prestart.mjs");
