// Runs before `npm start`: checks Node, installs what is missing, builds when sources changed. Built-ins only.
void import("./node-version.mjs")
  .then(() => import("./steps/set-up.mjs"))
  .then(({ setUp }) => setUp());
