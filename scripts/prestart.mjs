// Runs before `npm start`: checks Node, installs what is missing, builds when sources changed.
// Only built-ins, and nothing imported before the version check, so that it can say what is wrong anywhere.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    "farhelm: Node " +
      process.versions.node +
      " is too old; install Node 20.19 or newer (https://nodejs.org/en/download) and run this again.\n",
  );
  process.exit(1);
}
void import("./steps/set-up.mjs").then(function (steps) {
  return steps.setUp();
});
