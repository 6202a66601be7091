import type { MockModel } from "./mock-model.ts";

/** A config.toml by which a host asks this endpoint. */
export const mockModelConfig = ({ baseUrl }: MockModel): string => `
model = "mock-model"
model_provider = "mock"
approval_policy = "on-request"
sandbox_mode = "read-only"

[model_providers.mock]
name = "Mock"
base_url = "${baseUrl}"
wire_api = "responses"
`;
