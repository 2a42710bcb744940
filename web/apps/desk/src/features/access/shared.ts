// Whether this browser was enrolled as a shared device; its secret is a cookie
// that no script can read, so a mark beside it says where to look first.
const mark = "onegrid.shared";
export const isShared = () => localStorage.getItem(mark) === "1";
export const markShared = (on: boolean) => (on ? localStorage.setItem(mark, "1") : localStorage.removeItem(mark));
