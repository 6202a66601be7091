/** Addresses of names by the machine's own resolver, which knows its hosts file and its network's names. */
import { lookup } from "node:dns";

/** Each holds one of the four threads that also read and write this program's files, for as long as a name server is silent. */
const maxAtOnce = 2;

const waiting: (() => void)[] = [];
let running = 0;

/** All of them, in the resolver's order. Rejects with the system's error. */
export async function addressesOf(host: string): Promise<readonly string[]> {
  if (running >= maxAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await lookUp(host);
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

const lookUp = (host: string): Promise<readonly string[]> =>
  new Promise((resolve, reject) => {
    lookup(host, { all: true, verbatim: true }, (error, found) =>
      error ? reject(error) : resolve(found.map(({ address }) => address)),
    );
  });
