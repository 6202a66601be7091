/** The words that both ends show, in their order. */
export function PairingWords({ words }: { readonly words: readonly string[] }) {
  return (
    <ol className="pairing-words" aria-label="Words to compare">
      {words.map((word, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- a word may stand twice, and the order is fixed
        <li key={index}>{word}</li>
      ))}
    </ol>
  );
}
