// Ends the process with 1 when this Node is too old. Imports nothing and uses old syntax, so that any Node can say it.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    "farhelm: Node " +
      process.versions.node +
      " is too old; install Node 20.19 or newer (https://nodejs.org/en/download) and run this again.\n",
  );
  process.exit(1);
}
