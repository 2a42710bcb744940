import { randomUUID } from "node:crypto";
import { type APIRequestContext, expect, request } from "@playwright/test";

/** Words in both languages. */
export interface Text {
  "zh-CN": string;
  en: string;
}

/** A case as the API tells it, as far as the stories ask. */
export interface Case {
  id: string;
  number: string;
  title: string;
  state: string;
  task?: string;
  post_name: Text;
  version: number;
}

interface Offer {
  move: string;
  allowed: boolean;
  posts?: { id: string; name: Text }[];
}

interface Detail {
  case: Case;
  tasks: Case[];
  moves: Offer[];
}

/**
 * Somebody who works through the API, to bring a case quickly to where a story
 * begins. Everything a story is about happens in the browser.
 */
export class Colleague {
  private constructor(private readonly http: APIRequestContext) {}

  static async of(url: string, account: string): Promise<Colleague> {
    const http = await request.newContext({ baseURL: url });
    const answer = await http.post("/api/demo/session", { data: { account } });
    expect(answer.ok(), `${account} signs in: ${answer.status()}`).toBe(true);
    return new Colleague(http);
  }

  leaves = () => this.http.dispose();

  async sees(id: string): Promise<Detail> {
    const answer = await this.http.get(`/api/cases/${id}`);
    expect(answer.ok(), `read ${id}: ${answer.status()}`).toBe(true);
    return (await answer.json()) as Detail;
  }

  /** Opens the reporter's contact; what is answered stays here. */
  async reveals(id: string, purpose: string, why: string): Promise<void> {
    const answer = await this.http.post(`/api/cases/${id}/reveal`, { data: { purpose, why } });
    expect(answer.ok(), `reveal ${id}: ${answer.status()}`).toBe(true);
  }

  async finds(number: string): Promise<Case> {
    const answer = await this.http.get("/api/cases", { params: { view: "all", q: number } });
    const found = ((await answer.json()) as { items: Case[] }).items.find((c) => c.number === number);
    expect(found, `${number} in the list`).toBeDefined();
    return found!;
  }

  /** A point in the own grid, as a code on a lamp post carries it. */
  async point(): Promise<{ lon: number; lat: number }> {
    const own = ((await (await this.http.get("/api/grids")).json()) as { items: { id: string }[] }).items.map((g) => g.id);
    const map = (await (await this.http.get("/api/map/grids", { params: { west: -180, south: -90, east: 180, north: 90 } })).json()) as {
      features: { properties: { id: string; layer: string }; geometry: { coordinates: number[][][][] } }[];
    };
    const grid = map.features.find((f) => f.properties.layer === "base" && own.includes(f.properties.id));
    expect(grid, "the outline of the own grid").toBeDefined();
    return within(grid!.geometry.coordinates[0]![0]!);
  }

  /** Reports rubbish in the first grid of the own area. */
  async reports(text: string): Promise<Case> {
    const grids = (await (await this.http.get("/api/grids")).json()) as { items: { id: string; layer: string }[] };
    const grid = grids.items.find((g) => g.layer === "base")!;
    const id = randomUUID();
    const answer = await this.http.post("/api/cases", {
      headers: { "Idempotency-Key": id },
      data: { id, item: "cleanliness", condition: "exposed", text, place: { words: "胡同口", grid_id: grid.id }, channel: "phone" },
    });
    expect(answer.ok(), await answer.text()).toBe(true);
    return (await answer.json()) as Case;
  }

  /** Makes a move; to names the post it goes to. */
  async moves(id: string, move: string, more: { to?: string; [key: string]: unknown } = {}): Promise<Case> {
    const { to, ...rest } = more;
    const now = await this.sees(id);
    const post = to && now.moves.find((o) => o.move === move)?.posts?.find((p) => p.name["zh-CN"] === to)?.id;
    if (to) expect(post, `${to} can be chosen`).toBeTruthy();
    const answer = await this.http.post(`/api/cases/${id}/moves`, {
      headers: { "Idempotency-Key": randomUUID(), "If-Match": `"${now.case.version}"` },
      data: { move, ...(post ? { post_id: post } : {}), ...rest },
    });
    expect(answer.ok(), `${move}: ${await answer.text()}`).toBe(true);
    return (await answer.json()) as Case;
  }

  /** Adds words and photos to a case, for staff alone. */
  async comments(id: string, text: string, file_ids: string[]): Promise<void> {
    const answer = await this.http.post(`/api/cases/${id}/comments`, { headers: { "Idempotency-Key": randomUUID() }, data: { text, internal: true, file_ids } });
    expect(answer.ok(), await answer.text()).toBe(true);
  }

  /** Sends a photo and gives its id, for a move that needs one. */
  async sends(name: string, image: Buffer, kind: string): Promise<string> {
    const answer = await this.http.post("/api/files", { multipart: { kind, file: { name, mimeType: "image/png", buffer: image } } });
    expect(answer.ok(), await answer.text()).toBe(true);
    return ((await answer.json()) as { id: string }).id;
  }
}

/** A point well inside a ring: the middle of its widest stretch at half height. */
function within(ring: number[][]): { lon: number; lat: number } {
  const heights = ring.map((p) => p[1]!);
  const lat = (Math.min(...heights) + Math.max(...heights)) / 2;
  const cuts: number[] = [];
  for (let i = 1; i < ring.length; i++) {
    const [[ax, ay], [bx, by]] = [ring[i - 1] as [number, number], ring[i] as [number, number]];
    if (ay > lat !== by > lat) cuts.push(ax + ((lat - ay) / (by - ay)) * (bx - ax));
  }
  cuts.sort((a, b) => a - b);
  let [west, east] = [cuts[0]!, cuts[1]!];
  for (let i = 2; i + 1 < cuts.length; i += 2) if (cuts[i + 1]! - cuts[i]! > east - west) [west, east] = [cuts[i]!, cuts[i + 1]!];
  return { lon: (west + east) / 2, lat };
}
