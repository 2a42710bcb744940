import { api } from "./api";

/** Saves a file that the server makes for the acting post; the journal notes who took it. */
export async function save(path: string, name: string): Promise<void> {
  const url = URL.createObjectURL(await api().file(path));
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
