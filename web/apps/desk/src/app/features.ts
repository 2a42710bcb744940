import type { Feature } from "../desk/feature";
import { access } from "../features/access/feature";
import { casework } from "../features/casework/feature";
import { figures } from "../features/figures/feature";
import { grid } from "../features/grid/feature";

/** All the desk can do, in one list. */
export const features: Feature[] = [access, casework, grid, figures];
