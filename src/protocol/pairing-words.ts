/**
 * The short words by which two people, or one with two screens, see that a new device and the host
 * mean the same pairing. Committed before they are revealed: the device names a digest over its key
 * and its nonce first, the host gives its nonce, then the device shows key and nonce. Who stands
 * between them has one guess among 2^32.
 */

/** What the device sends before it knows the host's nonce: the text whose SHA-256 is the commitment. */
export const commitmentText = (publicKeySpkiDerBase64: string, deviceNonce: string): string =>
  JSON.stringify(["farhelm-pairing-commitment/v1", publicKeySpkiDerBase64, deviceNonce]);

/** The text whose SHA-256 gives the words. A JSON array of strings: no two sets of parts give one text. */
export const wordsText = (parts: {
  /** RFC 7638 thumbprint of the host's key. */
  readonly hostFingerprint: string;
  readonly publicKeySpkiDerBase64: string;
  /** `nonce` of the enrollment challenge. */
  readonly hostNonce: string;
  readonly deviceNonce: string;
  readonly challengeId: string;
}): string =>
  JSON.stringify([
    "farhelm-pairing-words/v1",
    parts.hostFingerprint,
    parts.publicKeySpkiDerBase64,
    parts.hostNonce,
    parts.deviceNonce,
    parts.challengeId,
  ]);

/** Four words, 32 bits: one for each of the digest's first bytes. */
export const pairingWords = (digest: Uint8Array): readonly string[] =>
  Array.from(digest.subarray(0, 4), (byte) => wordList[byte] ?? "");

/** 256 words, none longer than seven letters, no two with one beginning or one letter apart. */
export const wordList: readonly string[] = (
  "acorn album alley angle apple apron arrow atlas attic bacon badge bagel banjo basil berry " +
  "bison bowl brick cabin cafe camel cargo cedar chalk chess cliff cloud cocoa comet coral crab " +
  "crown cube daisy dawn desk dome dream drum duck dune eagle easel echo elbow ember falcon " +
  "farmer feast fender fiddle fig film finger flag flame flock flute forest fossil fox frog " +
  "fruit galaxy garden garlic gate gecko gem goblet goose grape gravel grove guitar gull hammer " +
  "harbor hay hazel hedge helmet heron hill hippo hive honey hoop hotel husky ice igloo indigo " +
  "iris iron island ivory jacket jaguar jelly jigsaw jockey judo juice jungle kayak kettle kite " +
  "kitten knot koala ladder lagoon lake lamp laptop leaf lemon lilac lily lime lion lizard " +
  "locket loom lotus lumber lynx magnet mango maple marble meadow melon meteor mint mirror moon " +
  "mosaic moth muffin museum napkin needle nest nickel noodle nutmeg oak oasis oboe ocean olive " +
  "onion onyx opera orange orchid otter oven owlet oxygen oyster paddle palace palm panda paper " +
  "peach pearl pebble pencil pepper piano pickle pigeon pillow pine pirate planet plaza plum " +
  "poem polar pond potato prism puppet puzzle quartz quilt rabbit radar radish raven ribbon " +
  "river robot rose ruby sail salmon sandal saturn saucer scarf school seed shadow shelf shovel " +
  "silver sketch skunk snow sofa soup spider spoon squid statue sugar sunset swan sword table " +
  "taxi teapot temple tennis tent ticket tiger toast tomato torch tulip turtle vase velvet " +
  "violin waffle wagon walnut walrus whale wheel window winter wolf wool yacht yogurt zebra " +
  "zinc zipper"
).split(" ");
