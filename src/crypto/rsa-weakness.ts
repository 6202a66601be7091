/** RSA public keys under which signatures can be forged, now or with known effort. */
import { decodeBase64url } from "./base64.ts";

const maxModulusBits = 8192n;
const maxExponentBits = 64n;

/**
 * The rule that the key breaks: a modulus of 2048 bits or more (RFC 7518, section 3.3), an odd
 * exponent from 65537 (FIPS 186-5), no modulus of the form in CVE-2017-15361; neither so large that
 * to check one signature would keep the host busy.
 */
export function rsaWeakness(key: {
  readonly n?: unknown;
  readonly e?: unknown;
}): string | undefined {
  const modulus = unsigned(key.n);
  const exponent = unsigned(key.e);
  if (modulus < 1n << 2047n) return "the RSA modulus is below 2048 bits";
  if (exponent < 65_537n || exponent % 2n === 0n) {
    return "the RSA exponent is below 65537 or even";
  }
  if (modulus >= 1n << maxModulusBits || exponent >= 1n << maxExponentBits) {
    return "the RSA key is too large";
  }
  return hasSmartCardForm(modulus)
    ? "the RSA modulus is of a form that can be factored"
    : undefined;
}

function unsigned(text: unknown): bigint {
  const bytes = typeof text === "string" ? decodeBase64url(text) : undefined;
  return bytes === undefined || bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString("hex")}`);
}

/** Small primes modulo which such a modulus is always a power of 65537; others are for about 1 in 2^27. */
const fingerprintPrimes = [
  3n,
  5n,
  7n,
  11n,
  13n,
  17n,
  19n,
  23n,
  29n,
  31n,
  37n,
  41n,
  43n,
  47n,
  53n,
  59n,
  61n,
  67n,
  71n,
  73n,
  79n,
  83n,
  89n,
  97n,
  101n,
  103n,
  107n,
  109n,
  113n,
  127n,
  131n,
  137n,
  139n,
  149n,
  151n,
  157n,
  163n,
  167n,
];

const hasSmartCardForm = (modulus: bigint): boolean =>
  fingerprintPrimes.every((prime) => isPowerOf65537(modulus % prime, prime));

function isPowerOf65537(residue: bigint, prime: bigint): boolean {
  let power = 1n;
  do {
    if (power === residue) return true;
    power = (power * 65_537n) % prime;
  } while (power !== 1n);
  return false;
}
