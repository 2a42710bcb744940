// The little the map must know of a grid; the API's own types have more.
export interface GridFeature {
  type: "Feature";
  geometry: { type: "Polygon" | "MultiPolygon"; coordinates: unknown };
  properties: {
    id: string;
    code: string;
    name: string | { "zh-CN": string; en: string };
    layer: "base" | "micro" | "street";
    kind?: string;
    street_id?: string;
    street_name?: string | { "zh-CN": string; en: string };
    officer?: { state: "held" | "stand_in" | "vacant"; name?: string };
    made_up?: boolean;
  };
}

export interface GridCollection {
  type: "FeatureCollection";
  features: GridFeature[];
}

export interface MapPoint {
  id: string;
  lon: number;
  lat: number;
  status: string;
  label: string;
}

export interface MapWords {
  label: string;
  zoomIn: string;
  zoomOut: string;
  fit: string;
  failed: string;
}
