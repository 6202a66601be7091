import { useDashboard } from "../host/store.ts";

export const offlineLabel = "Offline agent (built in) - no model configured";

export function ModelPicker(props: {
  readonly value: string | null;
  readonly onChange: (model: string) => void;
}) {
  const models = useDashboard((state) => state.models);
  const chosen =
    props.value ?? models.find(({ isDefault }) => isDefault)?.model ?? models[0]?.model;
  if (chosen === undefined) return null;
  if (models.length === 1) {
    return <span className="only-model">{chosen === "offline" ? offlineLabel : chosen}</span>;
  }
  return (
    <label className="select-field">
      <span className="sr-only">Model</span>
      <select value={chosen} onChange={({ target }) => props.onChange(target.value)}>
        {models.map(({ model, displayName }) => (
          <option key={model} value={model}>
            {model === "offline" ? offlineLabel : displayName}
          </option>
        ))}
      </select>
    </label>
  );
}
