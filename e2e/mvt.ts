/**
 * A strict reader of vector tiles that says what is against the specification
 * (Mapbox Vector Tile 2.1). It reads bytes and shares no code with what writes our
 * tiles or with what draws them; it is itself tried on the published fixtures.
 */
export function faultsOf(tile: Uint8Array): string[] {
  const faults: string[] = [];
  const names = new Set<string>();
  try {
    for (const f of fields(tile)) {
      if (f.number !== 3) throw new Error(`tile: unknown field ${f.number}`);
      const name = layer(bytes(f));
      if (names.has(name)) throw new Error(`two layers are called ${name}`);
      names.add(name);
    }
  } catch (e) {
    faults.push((e as Error).message);
  }
  return faults;
}

interface Field {
  number: number;
  wire: number;
  value: bigint;
  data: Uint8Array;
}

function varint(b: Uint8Array, at: number): [bigint, number] {
  let v = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = b[at++];
    if (byte === undefined) throw new Error("a number that ends early");
    v |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return [v, at];
  }
  throw new Error("a number without end");
}

function* fields(b: Uint8Array): Generator<Field> {
  for (let at = 0; at < b.length; ) {
    let tag: bigint;
    [tag, at] = varint(b, at);
    const f: Field = { number: Number(tag >> 3n), wire: Number(tag & 7n), value: 0n, data: new Uint8Array() };
    let length = { 1: 8, 5: 4 }[f.wire] ?? 0;
    if (f.wire === 0) [f.value, at] = varint(b, at);
    else if (f.wire === 2) {
      let n: bigint;
      [n, at] = varint(b, at);
      length = Number(n);
    } else if (f.wire !== 1 && f.wire !== 5) throw new Error(`wire type ${f.wire}`);
    if (at + length > b.length) throw new Error("a field that ends early");
    f.data = b.subarray(at, at + length);
    at += length;
    yield f;
  }
}

function bytes(f: Field): Uint8Array {
  if (f.wire !== 2) throw new Error(`field ${f.number} has wire type ${f.wire}`);
  return f.data;
}

function number(f: Field): bigint {
  if (f.wire !== 0) throw new Error(`field ${f.number} has wire type ${f.wire}`);
  return f.value;
}

function packed(f: Field): number[] {
  const out: number[] = [];
  const b = bytes(f);
  for (let at = 0; at < b.length; ) {
    let v: bigint;
    [v, at] = varint(b, at);
    if (v >= 1n << 32n) throw new Error(`field ${f.number}: ${v} is no uint32`);
    out.push(Number(v));
  }
  return out;
}

const text = (b: Uint8Array) => new TextDecoder("utf-8", { fatal: true }).decode(b);

function layer(b: Uint8Array): string {
  let name: string | undefined;
  let version: bigint | undefined;
  let keys = 0;
  let values = 0;
  const features: Uint8Array[] = [];
  for (const f of fields(b)) {
    switch (f.number) {
      case 1: name = text(bytes(f)); break;
      case 2: features.push(bytes(f)); break;
      case 3: text(bytes(f)); keys++; break;
      case 4: value(bytes(f)); values++; break;
      case 5: if (number(f) < 1n) throw new Error("layer: extent 0"); break;
      case 15: version = number(f); break;
      default: throw new Error(`layer: unknown field ${f.number}`);
    }
  }
  if (name === undefined) throw new Error("layer: no name");
  if (version !== 1n && version !== 2n) throw new Error(`layer ${name}: version ${version}`);
  for (const f of features) feature(f, keys, values);
  return name;
}

function value(b: Uint8Array) {
  const kinds: Record<number, number> = { 1: 2, 2: 5, 3: 1, 4: 0, 5: 0, 6: 0, 7: 0 };
  const found = [...fields(b)];
  if (found.length !== 1) throw new Error(`value: ${found.length} fields`);
  const f = found[0]!;
  if (kinds[f.number] !== f.wire) throw new Error(`value: field ${f.number} of wire type ${f.wire}`);
  if (f.number === 1) text(f.data);
}

function feature(b: Uint8Array, keys: number, values: number) {
  let type: bigint | undefined;
  let geometry: number[] | undefined;
  for (const f of fields(b)) {
    switch (f.number) {
      case 1: number(f); break;
      case 2: {
        const tags = packed(f);
        if (tags.length % 2) throw new Error("feature: half a tag");
        tags.forEach((t, i) => {
          if (t >= (i % 2 ? values : keys)) throw new Error(`feature: tag ${t} points nowhere`);
        });
        break;
      }
      case 3: type = number(f); break;
      case 4:
        if (geometry) throw new Error("feature: two geometries");
        geometry = packed(f);
        break;
      default: throw new Error(`feature: unknown field ${f.number}`);
    }
  }
  if (type === undefined || type > 3n) throw new Error(`feature: type ${type}`);
  if (!geometry?.length) throw new Error("feature: no geometry");
  if (type > 0n) commands(geometry, Number(type));
}

/** The commands of a geometry: what may follow what, and how often. */
function commands(g: number[], type: number) {
  const [move, line, close] = [1, 2, 7];
  let before = 0;
  for (let at = 0; at < g.length; ) {
    const id = g[at]! & 7;
    const count = g[at]! >>> 3;
    at++;
    const allowed = { 1: before === 0 && id === move, 2: before === move ? id === line : id === move, 3: before === move ? id === line : before === line ? id === close : id === move }[type];
    if (!allowed) throw new Error(`geometry of type ${type}: command ${id} after ${before}`);
    if (id === close ? count !== 1 : count < 1 || (id === move && type > 1 && count !== 1) || (id === line && type === 3 && count < 2)) throw new Error(`geometry: command ${id} ${count} times`);
    if (id !== close) {
      if (at + 2 * count > g.length) throw new Error("geometry: it ends early");
      for (let i = 0; i < count; i++, at += 2) if (id === line && !g[at] && !g[at + 1]) throw new Error("geometry: a line of no length");
    }
    before = id;
  }
  if ((type === 2 && before !== line) || (type === 3 && before !== close)) throw new Error("geometry: it ends early");
}
