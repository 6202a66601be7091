// The host as a few files instead of some hundred: most of a start is finding and reading modules.
// What holds a native binary, or WebAssembly, stays where npm put it. As scripts: see launcher.cjs.
export default {
  logLevel: "warn",
  publicDir: false,
  ssr: {
    target: "node",
    noExternal: true,
    external: ["libsql", "@lydell/node-pty", "web-tree-sitter"],
  },
  build: {
    ssr: "src/main.ts",
    // the dashboard is built into the same folder
    emptyOutDir: false,
    target: "node20",
    minify: false,
    sourcemap: true,
    rolldownOptions: {
      output: {
        format: "cjs",
        // code that was kept knows no import()
        dynamicImportInCjs: false,
        entryFileNames: "host.js",
        chunkFileNames: "[name]-[hash].js",
      },
    },
  },
};
