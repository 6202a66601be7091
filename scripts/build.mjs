// `npm run build`: makes dist/ whether or not sources changed.
import { build } from "./steps/build.mjs";
import { guarded } from "./steps/tell.mjs";

await guarded(build);
