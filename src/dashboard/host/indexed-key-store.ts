/** Keeps the device in IndexedDB. The private key goes in as a handle; its value never exists in the page. */
import type { DeviceRecord, KeyStore } from "../../client/device-key.ts";

const databaseName = "farhelm";
const storeName = "device";
const recordKey = "this-device";

export class IndexedKeyStore implements KeyStore {
  async load(): Promise<DeviceRecord | undefined> {
    const store = await openStore("readonly");
    const record: DeviceRecord | undefined = await settled(store.get(recordKey));
    return record;
  }

  async save(record: DeviceRecord): Promise<void> {
    const store = await openStore("readwrite");
    await settled(store.put(record, recordKey));
  }
}

async function openStore(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  const opening = indexedDB.open(databaseName, 1);
  opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore(storeName));
  const database = await settled(opening);
  return database.transaction(storeName, mode).objectStore(storeName);
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () =>
      reject(request.error ?? new Error("The browser's storage cannot be used.")),
    );
  });
}
