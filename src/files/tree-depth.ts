import { invalidRequest } from "../protocol/errors.ts";

/** Each level of a tree is held open while what is in it is worked on. */
const maxDepth = 256;

export function checkDepth(path: string, depth: number): void {
  if (depth < maxDepth) return;
  throw invalidRequest(
    `path \`${path}\` holds folders in more than ${maxDepth} levels; take the deeper ones first`,
  );
}
