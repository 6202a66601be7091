import type { TurnError } from "../../protocol/turn.ts";
import { Icon } from "./icon.tsx";

export function ErrorCard(props: { readonly error: TurnError; readonly retrying: boolean }) {
  const { error, retrying } = props;
  return (
    <div className={retrying ? "error-card retrying" : "error-card"} role="status">
      <Icon name="alert" />
      <div>
        <p>
          <strong>{retrying ? "Trouble with the model, trying again" : "The turn failed"}</strong>
        </p>
        <p>{error.message}</p>
        {error.additionalDetails !== null && (
          <details>
            <summary>Details</summary>
            <pre tabIndex={0} role="group" aria-label="Details">
              {error.additionalDetails}
            </pre>
          </details>
        )}
      </div>
    </div>
  );
}
