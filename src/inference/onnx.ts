import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/**
 * Writes ONNX models: the few messages of `onnx.proto` (IR version 10) that a decoder needs, field numbers as there.
 * Messages and attributes are checked by ONNX's own checker in the trainer's tests.
 */

/** Element types, numbered as in `TensorProto.DataType`. */
export const elementTypes = { F32: 1, I32: 6, I64: 7, BOOL: 9, F16: 10, BF16: 16 } as const;
export type ElementType = keyof typeof elementTypes;

/** A number is a length; a string names one that differs from call to call. */
export type Dimension = number | string;

/** Data that lies in another file. */
export interface ExternalPlace {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

export type Attribute = number | bigint | string | readonly bigint[];

const irVersion = 10;
const opset = 23;
/** Of ONNX Runtime's own operators. */
const contribOpset = 1;
export const contribDomain = 'com.microsoft';

/** A graph that is being written, node after node; names of values are made here. */
export class OnnxGraph {
  private readonly nodes: Uint8Array[] = [];
  private readonly initializers: Uint8Array[] = [];
  private readonly inputs: Uint8Array[] = [];
  private readonly outputs: Uint8Array[] = [];
  private readonly constants = new Map<string, string>();
  private made = 0;

  input(name: string, type: ElementType, shape: readonly Dimension[]): string {
    this.inputs.push(valueInfo(name, type, shape));
    return name;
  }

  /** Makes a value an output; it keeps its name. */
  output(name: string, type: ElementType, shape: readonly Dimension[]): void {
    this.outputs.push(valueInfo(name, type, shape));
  }

  /** An initialiser whose data lies in another file. */
  external(name: string, type: ElementType, shape: readonly number[], place: ExternalPlace): string {
    const entries = { location: place.file, offset: String(place.offset), length: String(place.length) };
    const writer = tensorHead(name, type, shape);
    for (const [key, value] of Object.entries(entries)) {
      writer.tag(13, WireType.LengthDelimited).fork();
      text(text(writer, 1, key), 2, value).join();
    }
    this.initializers.push(varint(writer, 14, 1).finish());
    return name;
  }

  /** An initialiser whose data is written into the graph. */
  inline(name: string, type: ElementType, shape: readonly number[], data: Uint8Array): string {
    this.initializers.push(tensorHead(name, type, shape).tag(9, WireType.LengthDelimited).bytes(data).finish());
    return name;
  }

  /** Whole numbers, as a vector or, when one is given alone, as a scalar. */
  integers(values: number | readonly number[]): string {
    const list = typeof values === 'number' ? [values] : values;
    const data = BigInt64Array.from(list, BigInt);
    return this.constant('I64', typeof values === 'number' ? [] : [list.length], new Uint8Array(data.buffer));
  }

  /** Floating-point numbers, as a vector or, when one is given alone, as a scalar. */
  floats(values: number | readonly number[]): string {
    const list = typeof values === 'number' ? [values] : values;
    const data = Float32Array.from(list);
    return this.constant('F32', typeof values === 'number' ? [] : [list.length], new Uint8Array(data.buffer));
  }

  /** One node with one output. */
  op(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    { output = this.fresh(type), domain = '' } = {},
  ): string {
    this.node(type, inputs, [output], attributes, domain);
    return output;
  }

  /** One node with several outputs. */
  ops(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    outputs: number,
  ): readonly string[] {
    const names = Array.from({ length: outputs }, () => this.fresh(type));
    this.node(type, inputs, names, attributes, '');
    return names;
  }

  /** The bytes of a ModelProto. */
  model(producer: string): Uint8Array {
    const writer = text(varint(new BinaryWriter(), 1, irVersion), 2, producer);
    writer.tag(7, WireType.LengthDelimited).fork();
    for (const node of this.nodes) message(writer, 1, node);
    text(writer, 2, 'decoder');
    for (const initializer of this.initializers) message(writer, 5, initializer);
    for (const input of this.inputs) message(writer, 11, input);
    for (const output of this.outputs) message(writer, 12, output);
    writer.join();
    for (const [domain, version] of [
      ['', opset],
      [contribDomain, contribOpset],
    ] as const) {
      writer.tag(8, WireType.LengthDelimited).fork();
      varint(text(writer, 1, domain), 2, version).join();
    }
    return writer.finish();
  }

  private constant(type: ElementType, shape: readonly number[], data: Uint8Array): string {
    const key = `${type} ${shape.join(',')} ${data.join(',')}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const name = this.inline(this.fresh('constant'), type, shape, data);
    this.constants.set(key, name);
    return name;
  }

  private node(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    domain: string,
  ): void {
    const writer = new BinaryWriter();
    for (const input of inputs) text(writer, 1, input);
    for (const output of outputs) text(writer, 2, output);
    text(text(writer, 3, `${outputs[0]}/${type}`), 4, type);
    for (const [name, value] of Object.entries(attributes)) message(writer, 5, attribute(name, value));
    if (domain !== '') text(writer, 7, domain);
    this.nodes.push(writer.finish());
  }

  private fresh(type: string): string {
    this.made += 1;
    return `${type}_${this.made}`;
  }
}

/** AttributeProto: a bigint is an INT, a number a FLOAT, a list of bigints INTS. */
function attribute(name: string, value: Attribute): Uint8Array {
  const writer = text(new BinaryWriter(), 1, name);
  if (typeof value === 'number') return varint(writer.tag(2, WireType.Bit32).float(value), 20, 1).finish();
  if (typeof value === 'bigint') return varint(varint(writer, 3, value), 20, 2).finish();
  if (typeof value === 'string') return varint(text(writer, 4, value), 20, 3).finish();
  for (const each of value) varint(writer, 8, each);
  return varint(writer, 20, 7).finish();
}

/** ValueInfoProto of a tensor. */
function valueInfo(name: string, type: ElementType, shape: readonly Dimension[]): Uint8Array {
  const writer = text(new BinaryWriter(), 1, name);
  writer.tag(2, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).fork();
  varint(writer, 1, elementTypes[type]).tag(2, WireType.LengthDelimited).fork();
  for (const dimension of shape) {
    writer.tag(1, WireType.LengthDelimited).fork();
    if (typeof dimension === 'number') varint(writer, 1, dimension);
    else text(writer, 2, dimension);
    writer.join();
  }
  return writer.join().join().join().finish();
}

function tensorHead(name: string, type: ElementType, shape: readonly number[]): BinaryWriter {
  const writer = new BinaryWriter();
  for (const length of shape) varint(writer, 1, length);
  return text(varint(writer, 2, elementTypes[type]), 8, name);
}

function text(writer: BinaryWriter, field: number, value: string): BinaryWriter {
  return writer.tag(field, WireType.LengthDelimited).string(value);
}

function varint(writer: BinaryWriter, field: number, value: number | bigint): BinaryWriter {
  return writer.tag(field, WireType.Varint).int64(value);
}

function message(writer: BinaryWriter, field: number, value: Uint8Array): BinaryWriter {
  return writer.tag(field, WireType.LengthDelimited).bytes(value);
}
