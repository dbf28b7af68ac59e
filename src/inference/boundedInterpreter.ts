import { Environment, Interpreter } from '@huggingface/jinja';
import { pythonStrip, remainder, strippedText, usesWithin, type Statement, type Use, type Value } from './pythonText';

/** Steps that a template may take: a hundred times what a long conversation needs. */
const maxSteps = 2_000_000;
/** Characters of any text that a template makes, and of what it writes. */
export const maxText = 8 * 1024 * 1024;
/** Items of any list that a template makes. */
const maxItems = 20_000;

/**
 * An interpreter that ends. Every step of a template passes through `evaluate`; there steps are counted, and texts and lists measured,
 * so that neither a loop in a loop nor doubling something again and again takes more than a second or so.
 * A single call may still make one large text of two (a replacement, say): more than the engine's limit throws,
 * and a process that holds a checkpoint is ended by the one that asked when it does not answer.
 */
export class BoundedInterpreter extends Interpreter {
  private steps = 0;
  /** What parts of the template are used for, where Python is strict or writes values in its own way. */
  private readonly uses = new WeakMap<object, Use>();

  override evaluate(statement: Statement, environment: Environment): Value {
    this.steps += 1;
    for (const [node, use] of usesWithin(statement)) this.uses.set(node, use);
    const found = this.asPython(statement, environment) ?? super.evaluate(statement, environment);
    const value = statement === undefined ? found : used(found, this.uses.get(statement));
    const content: unknown = value.value;
    this.measure(content, statement === undefined ? undefined : this.uses.get(statement));
    return value;
  }

  /** A large text or list is as much work as many steps, for a loop over nothing but items as well. */
  private measure(content: unknown, use: Use | undefined): void {
    if (typeof content === 'string') {
      if (content.length > maxText) throw new Error(`it makes a text of more than ${maxText} characters`);
      this.steps += content.length >> 6;
    } else if (Array.isArray(content)) {
      if (content.length > maxItems) throw new Error(`it makes a list of more than ${maxItems} items`);
      // The library makes a dozen values for each turn of a loop.
      this.steps += use === 'turns' ? content.length * 8 : content.length >> 2;
    }
    if (this.steps > maxSteps) throw new Error(`it takes more than ${maxSteps} steps`);
  }

  /** What the library does otherwise than Python; undefined leaves the statement to the library. */
  private asPython(statement: Statement, environment: Environment): Value | undefined {
    const stripped = strippedText(statement);
    if (stripped !== undefined) {
      const text: unknown = this.evaluate(stripped.text, environment).value;
      const [given] = stripped.arguments.map((argument): unknown => this.evaluate(argument, environment).value);
      if (typeof text === 'string') return valueOf(pythonStrip(text, stripped.sides, given));
      throw new Error(`${stripped.sides} is for texts`);
    }
    const { left, right } = remainder(statement) ?? {};
    if (left === undefined) return undefined;
    const [dividend, divisor] = [left, right].map((side): unknown => this.evaluate(side, environment).value);
    if (typeof dividend !== 'number' || typeof divisor !== 'number' || divisor === 0)
      throw new Error('a remainder is that of a number divided by a number');
    // JavaScript's remainder has the sign of the dividend, Python's that of the divisor.
    return valueOf(dividend - divisor * Math.floor(dividend / divisor));
  }
}

/** A value as Python would use it: what it prints of one that is no text; nothing has no attributes. */
function used(value: Value, use: Use | undefined): Value {
  if (use === 'attributes' && value.type === 'UndefinedValue') throw new Error('something undefined has no attributes');
  if (use !== 'print') return value;
  switch (value.type) {
    case 'NullValue':
      return valueOf('None');
    case 'BooleanValue':
      return valueOf(value.value === true ? 'True' : 'False');
    case 'ArrayValue':
    case 'TupleValue':
    case 'ObjectValue':
    case 'FloatValue':
      throw new Error('it writes a list, an object or a fraction without `tojson`');
    default:
      return value;
  }
}

function valueOf(content: string | number): Value {
  return new Environment().set('value', content);
}

/** Python's `range`, up to as many items as a list may have. */
export function boundedRange(start: unknown, stop: unknown, step: unknown): number[] {
  const [from, to] = typeof stop === 'number' ? [start, stop] : [0, start];
  const by = typeof step === 'number' ? step : 1;
  if (typeof from !== 'number' || typeof to !== 'number' || by === 0)
    throw new Error('range() needs numbers, and a step');
  const count = Math.max(0, Math.ceil((to - from) / by));
  if (!(count <= maxItems)) throw new Error(`range() has more than ${maxItems} items`);
  return Array.from({ length: count }, (_, index) => from + index * by);
}
