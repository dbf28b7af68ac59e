import type { IndexLine, Live, RunEvent, RunManifest, SegmentHeader, Status } from './generated/wire';
import {
  eventValidators,
  validateIndexLine,
  validateLive,
  validateRunManifest,
  validateSegmentHeader,
  validateStatus,
  type Validator,
} from './generated/validators.mjs';
import { broken, read, type Read } from './read';
import { checkFormat } from './version';

/** A line of the rollout index, with the kind it was written with, which may be of a later release. */
export type ReadIndexLine = Omit<IndexLine, 'kind'> & { readonly kind: string };

/** The kinds of index lines that this release knows. */
export const rolloutKinds = [
  'rollout',
  'demonstration',
  'hybrid',
  'evaluation',
  'probe',
] as const satisfies readonly IndexLine['kind'][];

/** `run.json`. Another major version is refused before anything else is looked at. */
export function parseRunManifest(text: string): Read<RunManifest> {
  return parseVersioned(text, 'run.json', validateRunManifest);
}

/** `status.json`. */
export function parseStatus(text: string): Read<Status> {
  return parseVersioned(text, 'status.json', validateStatus);
}

/** `live.json`. */
export function parseLive(text: string): Read<Live> {
  return parseVersioned(text, 'live.json', validateLive);
}

/** The column list of a segment. */
export function parseSegmentHeader(text: string): Read<SegmentHeader> {
  return parseVersioned(text, 'the segment', validateSegmentHeader);
}

/** One line of `rollouts/index.jsonl`. */
export function parseIndexLine(text: string): Read<ReadIndexLine> {
  const json = parseJson(text);
  if (json.kind === 'broken') return json;
  const { value } = json;
  if (!isObject(value) || typeof value['kind'] !== 'string') return broken('an index line needs a kind');
  // A kind of a later release is kept: the rest of the line is checked as if it were a known one.
  const known = (rolloutKinds as readonly string[]).includes(value['kind']);
  const checked: unknown = known ? value : { ...value, kind: 'probe' satisfies IndexLine['kind'] };
  if (!validateIndexLine(checked)) return broken(problemOf(validateIndexLine));
  return read({ ...checked, kind: value['kind'] });
}

/** JSON as a value; never throws. */
export function parseJson(text: string): Read<unknown> {
  try {
    return read(JSON.parse(text));
  } catch (error) {
    return broken(error instanceof Error ? error.message : 'not JSON');
  }
}

/** What keeps `value` from being an event of its kind; undefined when nothing does. */
export function eventProblem(kind: RunEvent['kind'], value: unknown): string | undefined {
  const validate: Validator<RunEvent> = eventValidators[kind];
  return validate(value) ? undefined : problemOf(validate);
}

function parseVersioned<T>(text: string, where: string, validate: Validator<T>): Read<T> {
  const json = parseJson(text);
  if (json.kind === 'broken') return broken(`${where} is not JSON: ${json.reason}`);
  const { value } = json;
  const format = checkFormat(isObject(value) ? value['format'] : undefined, where);
  if (format.kind === 'refused') return broken(format.message);
  return validate(value) ? read(value) : broken(`${where}: ${problemOf(validate)}`);
}

function problemOf(validate: Validator<never> | Validator<unknown>): string {
  const error = validate.errors?.[0];
  return `${error?.instancePath ?? ''} ${error?.message ?? 'is not as it should be'}`.trim();
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
