/**
 * Loaded before a participant of the torture, it takes the lock away: whoever asks for it has it. The torture must then
 * find refresh tokens that were used twice, or it finds nothing.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";

DatabaseSync.prototype.exec = () => {};
