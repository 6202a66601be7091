/** Compares JSON Schemas of the stock server with ours by what each side is promised. */

export interface Node {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Node>>;
  readonly definitions?: Readonly<Record<string, Node>>;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly allOf?: readonly Node[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: unknown;
}

interface Place {
  readonly root: Node;
  readonly node: Node;
}

/**
 * Members that `promise` lacks although `wish` requires them, as paths, at every depth that both know.
 * Variants of a union are matched by the values of their member `type`; where the promise is open, nothing is missing.
 */
export function missingMembers(wish: Node, promise: Node): readonly string[] {
  return missing({ root: wish, node: wish }, { root: promise, node: promise }, "", 0);
}

/** The stock schemas refer to themselves (a thread holds turns, a turn items); deeper than this is seen elsewhere. */
const maxDepth = 12;

function missing(wish: Place, promise: Place, path: string, depth: number): readonly string[] {
  if (depth > maxDepth) return [];
  const promised = variants(promise);
  return variants(wish).flatMap((wished) => {
    const match = promised.find((each) => sameVariant(wished, each));
    return match ? missingIn(wished, match, path, depth) : [];
  });
}

function missingIn(wish: Place, promise: Place, path: string, depth: number): readonly string[] {
  const { properties = {}, required = [], items } = wish.node;
  if (isOpen(promise.node)) return [];
  const known = promise.node.properties;
  const deeper = Object.entries(properties).flatMap(([name, node]) => {
    const ours = known?.[name];
    if (!ours) return [];
    const inner = path ? `${path}.${name}` : name;
    return missing({ ...wish, node }, { ...promise, node: ours }, inner, depth + 1);
  });
  const lacking = known ? required.filter((name) => !promise.node.required?.includes(name)) : [];
  const rows =
    items && promise.node.items
      ? missing(
          { ...wish, node: items },
          { ...promise, node: promise.node.items },
          `${path}[]`,
          depth + 1,
        )
      : [];
  return [...lacking.map((name) => (path ? `${path}.${name}` : name)), ...deeper, ...rows];
}

/** An object of which no member is named, or a variant that stands for many kinds: kept whole as it came. */
function isOpen(node: Node): boolean {
  const { properties } = node;
  return (
    (properties !== undefined && Object.keys(properties).length === 0) || tags(node).length > 1
  );
}

/** The alternatives of a schema, references followed; a plain one is its only alternative. */
function variants(place: Place): readonly Place[] {
  const { root, node } = place;
  if (node.$ref !== undefined) {
    const name = node.$ref.slice(node.$ref.lastIndexOf("/") + 1);
    const found = (root.$defs ?? root.definitions)?.[name];
    return found ? variants({ root, node: found }) : [];
  }
  const options = node.anyOf ?? node.oneOf ?? (node.allOf?.length === 1 ? node.allOf : undefined);
  return options ? options.flatMap((option) => variants({ root, node: option })) : [place];
}

function sameVariant(left: Place, right: Place): boolean {
  const [ours, theirs] = [tags(left.node), tags(right.node)];
  if (ours.length > 0 || theirs.length > 0) return ours.some((tag) => theirs.includes(tag));
  return isObject(left.node) === isObject(right.node) && isList(left.node) === isList(right.node);
}

function tags({ properties }: Node): readonly unknown[] {
  const type = properties?.["type"];
  return type?.enum ?? (type?.const === undefined ? [] : [type.const]);
}

const isObject = ({ properties, type }: Node): boolean =>
  properties !== undefined || type === "object";
const isList = ({ items, type }: Node): boolean =>
  items !== undefined || type === "array" || (Array.isArray(type) && type.includes("array"));
