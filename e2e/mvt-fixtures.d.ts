// The package has no types of its own; this is as much of it as the stories use.
declare module "@mapbox/mvt-fixtures" {
  interface Fixture {
    id: string;
    description: string;
    validity: { v1: boolean; v2: boolean };
    buffer: Uint8Array;
  }
  export function each(visit: (fixture: Fixture) => void): void;
}
