/** What a credential may consist of; anything else would break the request's header. */
const SENDABLE = /^[\x21-\x7e]+$/;

export const isSendable = (value: string): boolean => SENDABLE.test(value);
