/** The generation of the Codex app-server protocol that is spoken here; clients check it. */
export const protocolGeneration = "0.169.0";

/** Counts the changes of this host's own wire; it is pinned together with the schema. */
export const farhelmProtocolVersion = 1;
