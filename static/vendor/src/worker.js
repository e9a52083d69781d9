// The worker that static/js/work.js starts: ALTCHA's own, whole.
import "altcha/workers/pbkdf2";
