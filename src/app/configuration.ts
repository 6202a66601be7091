/** The configuration of a host: what reads it, what writes it, and the requirements that come from elsewhere. */
import type { HostOptions } from "../cli/host.ts";
import { PolledRequirements } from "../config/cloud-requirements.ts";
import { createConfigEditor } from "../config/config-editor.ts";
import { createConfigReader } from "../config/config-reader.ts";
import type { ConfigEditor, ConfigReader } from "../config/port.ts";

export interface HostConfiguration {
  readonly config: ConfigReader;
  readonly ports: { readonly config: ConfigReader; readonly configEditor: ConfigEditor };
  close(): void;
}

/** Throws `ConfigError` when a flag cannot be read. */
export function openConfiguration(options: HostOptions): HostConfiguration {
  const { codexHome, systemFolder, configOverrides, profile, requirementsSource } = options;
  const cloud = requirementsSource && new PolledRequirements(requirementsSource);
  void cloud?.begin();
  const places = {
    codexHome,
    systemFolder: systemFolder ?? "/etc/codex",
    sessionFlags: configOverrides,
    profile,
    cloud,
  };
  const config = createConfigReader(places);
  return {
    config,
    ports: { config, configEditor: createConfigEditor(places) },
    close: () => cloud?.close(),
  };
}
