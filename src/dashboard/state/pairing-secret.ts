/** The secret in what a person pasted: a whole pairing link, its fragment, or the secret alone. */
export const pairingSecret = (pasted: string): string => {
  const trimmed = pasted.trim();
  return trimmed.slice(trimmed.lastIndexOf("#") + 1);
};
