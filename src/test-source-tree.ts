/**
 * Reads what a source file imports and which globals it uses, from its syntax tree; for the architecture test.
 */
import { parseSync } from 'vite';

export interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}
export interface SourceFacts {
  readonly imports: readonly Import[];
  /** Names the file uses and does not declare, and `Math.random`. */
  readonly globals: ReadonlySet<string>;
}

type Node = Readonly<Record<string, unknown>> & { readonly type: string };
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

/** Child nodes, without the names that refer to nothing: `.property`, `key:`. */
function children(node: Node): Node[] {
  const silent = node['computed'] === true ? undefined : node.type === 'MemberExpression' ? 'property' : 'key';
  return Object.entries(node)
    .filter(([key]) => key !== silent)
    .flatMap(([, value]): unknown[] => (Array.isArray(value) ? value : [value]))
    .filter(isNode);
}

function nodesIn(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function literal(value: unknown): string | undefined {
  return isNode(value) && typeof value['value'] === 'string' ? value['value'] : undefined;
}

function importsOf(node: Node): Import[] {
  const specifier = literal(node['source']);
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration': {
      if (specifier === undefined) return [];
      const names = nodesIn(node['specifiers']);
      const kinds = names.map((name) => name['importKind'] ?? name['exportKind']);
      const typeOnly =
        node['importKind'] === 'type' ||
        node['exportKind'] === 'type' ||
        (kinds.length > 0 && kinds.every((kind) => kind === 'type'));
      return [{ specifier, typeOnly }];
    }
    case 'ImportExpression':
      return specifier === undefined ? [] : [{ specifier, typeOnly: false }];
    case 'TSImportType':
      return specifier === undefined ? [] : [{ specifier, typeOnly: true }];
    case 'NewExpression': {
      const [target, base] = nodesIn(node['arguments']);
      const isUrl = isNode(node['callee']) && node['callee']['name'] === 'URL';
      const path = literal(target);
      const relativeToModule =
        base?.type === 'MemberExpression' && isNode(base['object']) && base['object'].type === 'MetaProperty';
      return isUrl && relativeToModule && path?.startsWith('.') === true && /\.tsx?$/.test(path)
        ? [{ specifier: path, typeOnly: false }]
        : [];
    }
    default:
      return [];
  }
}

/** @throws Error where the text does not parse. */
export function readSourceFacts(path: string, text: string): SourceFacts {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`);
  const imports: Import[] = [];
  const used = new Set<string>();
  const declared = new Set<string>();
  const declare = (pattern: unknown): void => {
    if (!isNode(pattern)) return;
    if (pattern.type === 'Identifier') declared.add(String(pattern['name']));
    else for (const child of children(pattern)) declare(child);
  };
  const visit = (node: Node): void => {
    imports.push(...importsOf(node));
    if (node.type === 'Identifier') used.add(String(node['name']));
    if (node.type === 'VariableDeclarator' || /Function|Class|^TS(Interface|TypeAlias)Declaration/.test(node.type))
      declare(node['id']);
    if (/Function/.test(node.type)) for (const parameter of nodesIn(node['params'])) declare(parameter);
    if (/^Import.*Specifier$/.test(node.type)) declare(node['local']);
    if (node.type === 'MemberExpression' && isNode(node['object']) && isNode(node['property'])) {
      if (node['object']['name'] === 'Math' && node['property']['name'] === 'random') used.add('Math.random');
    }
    for (const child of children(node)) visit(child);
  };
  if (isNode(program)) visit(program);
  return { imports, globals: new Set([...used].filter((name) => !declared.has(name))) };
}
