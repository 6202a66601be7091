const suggestions = [
  "Run `git --version`",
  "What can you do here?",
  "Write a file hello.txt that says hello",
] as const;

/** First things to ask, for those who look at an empty page. */
export function Suggestions({ onChoose }: { readonly onChoose: (text: string) => void }) {
  return (
    <ul className="suggestions" aria-label="Suggestions">
      {suggestions.map((text) => (
        <li key={text}>
          <button type="button" className="chip" onClick={() => onChoose(text)}>
            {text}
          </button>
        </li>
      ))}
    </ul>
  );
}
