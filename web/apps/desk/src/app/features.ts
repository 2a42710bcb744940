import type { Feature } from "../desk/feature";
import { useSession } from "../desk/session";
import { access } from "../features/access/feature";
import { calendar } from "../features/calendar/feature";
import { casework } from "../features/casework/feature";
import { catalog } from "../features/catalog/feature";
import { device } from "../features/device/feature";
import { figures } from "../features/figures/feature";
import { grid } from "../features/grid/feature";
import { place } from "../features/place/feature";
import { notice } from "../features/notice/feature";
import { registry } from "../features/registry/feature";
import { staff } from "../features/staff/feature";

/** All the desk can do, in one list. */
export const features: Feature[] = [access, casework, grid, catalog, figures, staff, calendar, registry, notice, device, place];

/** The pages that the acting post may open, in their order. */
export function openPages() {
  const session = useSession();
  return features
    .flatMap((f) => f.menu ?? [])
    .filter((m) => session.may(...m.needs))
    .sort((a, b) => a.order - b.order);
}
