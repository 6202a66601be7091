import { useDashboard } from "../host/store.ts";
import { Announcer } from "./announcer.tsx";
import { SignInPage } from "./sign-in-page.tsx";
import { Workspace } from "./workspace.tsx";

export function App() {
  const connection = useDashboard((state) => state.connection);
  return (
    <>
      {connection.kind === "signedOut" ? <SignInPage reason={connection.reason} /> : <Workspace />}
      <Announcer />
    </>
  );
}
