/** An item of the conversation as a model endpoint knows it (OpenAI Responses API, `input` and `output`); unknown members are kept. */
export interface ModelItem {
  readonly type: string;
  readonly [member: string]: unknown;
}
