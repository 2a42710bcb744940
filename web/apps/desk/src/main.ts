import "@onegrid/kit/tokens.css";
import "@onegrid/kit/kit.css";
import { makeDesk } from "./app/start";

makeDesk().mount("#app");
