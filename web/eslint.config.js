import { readdirSync } from "node:fs";
import vue from "eslint-plugin-vue";
import tseslint from "typescript-eslint";

// Which part may know which:
//   packages  api < words, kit < map; the kit knows neither words nor the API
//   an app    packages < desk < feature < app; a feature never imports another
//             feature, they link by route name
const packages = ["api", "words", "kit", "map"];
const below = { api: [], words: ["api"], kit: [], map: ["kit"] };
const features = readdirSync(new URL("apps/desk/src/features", import.meta.url));

const forbid = (files, group, message) => ({
  files,
  rules: { "no-restricted-imports": ["error", { patterns: [{ group, message }] }] },
});

const boundaries = [
  ...packages.map((name) =>
    forbid(
      [`packages/${name}/src/**`],
      packages.filter((p) => p !== name && !below[name].includes(p)).flatMap((p) => [`@onegrid/${p}`, `**/packages/${p}/**`]),
      `packages/${name} may import ${below[name].join(", ") || "no other package"}`,
    ),
  ),
  forbid(["apps/*/src/desk/**"], ["**/features/**", "**/app/**", "**/fake/**"], "what all features share knows none of them"),
  ...features.map((name) =>
    forbid(
      [`apps/*/src/features/${name}/**`],
      [...features.filter((f) => f !== name).map((f) => `**/${f}/**`), "**/app/**", "**/fake/**"],
      "a feature imports packages and desk, never another feature: link by route name",
    ),
  ),
  forbid(["apps/*/src/app/**", "apps/*/src/*.vue", "apps/*/src/main.ts"], ["**/fake/**"], "the fake is never part of the app"),
];

export default tseslint.config(
  { ignores: ["dist/**", "**/node_modules/**", "packages/api/src/schema.d.ts"] },
  ...tseslint.configs.recommended,
  ...vue.configs["flat/recommended"],
  {
    files: ["**/*.vue"],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
    rules: {
      "vue/multi-word-component-names": "off",
      "vue/max-attributes-per-line": "off",
      "vue/singleline-html-element-content-newline": "off",
      "vue/multiline-html-element-content-newline": "off",
      "vue/html-self-closing": "off",
      "vue/html-indent": "off",
      "vue/attributes-order": "off",
      "vue/first-attribute-linebreak": "off",
      "vue/html-closing-bracket-newline": "off",
      "vue/require-default-prop": "off",
      "vue/no-v-html": "error",
    },
  },
  {
    files: ["**/*.{ts,vue}"],
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/no-unused-expressions": ["error", { allowShortCircuit: true, allowTernary: true }],
      "no-restricted-globals": ["error", { name: "fetch", message: "go through the client of @onegrid/api" }],
      eqeqeq: "error",
    },
  },
  { files: ["packages/api/src/client.ts"], rules: { "no-restricted-globals": "off" } },
  ...boundaries,
);
