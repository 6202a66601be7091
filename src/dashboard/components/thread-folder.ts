import { createContext } from "react";

/** The folder of the open thread: paths inside it are shown without it. */
export const ThreadFolder = createContext("");
