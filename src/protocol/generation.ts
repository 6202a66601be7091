/** The generation of the Codex app-server protocol that is spoken here; clients check it. */
export const protocolGeneration = "0.169.0";
