import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./components/app.tsx";
import { PairPage } from "./components/pair-page.tsx";
import { listenToPage, startSession } from "./host/session.ts";
import { takeFragment } from "./host/fragment.ts";

const root = document.querySelector("#app");
if (root !== null) {
  listenToPage();
  const pairing = location.pathname.replace(/\/$/, "").endsWith("/pair");
  const fragment = pairing ? takeFragment() : "";
  if (pairing) addEventListener("hashchange", () => location.reload());
  else startSession();
  createRoot(root).render(
    <StrictMode>{pairing ? <PairPage fragment={fragment} /> : <App />}</StrictMode>,
  );
}
