import type { ReactNode } from "react";
import { Wheel } from "./wheel.tsx";

/** A page with one thing to do. */
export function PlainPage(props: { readonly title: string; readonly children: ReactNode }) {
  return (
    <main className="plain-page">
      <div className="plain-card">
        <header className="brand">
          <Wheel />
          <span>Farhelm</span>
        </header>
        <h1>{props.title}</h1>
        {props.children}
      </div>
    </main>
  );
}
