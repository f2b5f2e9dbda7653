/**
 * A page of the test build that hands the tests what the extension's own pages call. Belongs here:
 * nothing but that.
 */

import * as desk from "../../src/platform/desk";

type Desk = typeof desk;

declare global {
  // A global of this page, under its own name.
  var desk: Desk;
}

globalThis.desk = desk;
