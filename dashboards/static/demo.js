// @ts-check
/** The demo's phones ring by asking once a second. */

import { refresh } from "./refresh.js";

setInterval(() => void refresh("/demo/phone?part=list"), 1000);
