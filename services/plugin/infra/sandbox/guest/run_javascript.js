'use strict';
// Runs the user's JavaScript inside the jail and writes the report.
const fs = require('node:fs');
const vm = require('node:vm');
const { Writable } = require('node:stream');
const { createRequire } = require('node:module');

const CODE = '<code>';
const RESULT = 3;
const writeSync = fs.writeSync;
const exit = process.reallyExit.bind(process);
const stringify = JSON.stringify;

class ResultError extends Error {}

function readAll() {
  const parts = [];
  const part = Buffer.allocUnsafe(1 << 16);
  for (;;) {
    const length = fs.readSync(0, part, 0, part.length, null);
    if (length === 0) return Buffer.concat(parts).toString('utf8');
    parts.push(Buffer.from(part.subarray(0, length)));
  }
}

function writeAll(descriptor, raw) {
  let offset = 0;
  while (offset < raw.length) offset += writeSync(descriptor, raw, offset);
}

// Node would queue what a pipe does not take at once, and lose it at the exit.
function blockingStream(descriptor) {
  return new Writable({
    write(chunk, _encoding, done) {
      writeAll(descriptor, chunk);
      done();
    },
  });
}

function finish(report) {
  writeAll(RESULT, Buffer.from(report, 'utf8'));
  exit(0);
}

function limitBehind(error) {
  if (error instanceof RangeError && /allocation failed|allocate memory/i.test(String(error.message))) {
    return 'memory';
  }
  if (error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') return 'memory';
  if (error && (error.code === 'ENOSPC' || error.code === 'EFBIG')) return 'disk';
  return null;
}

function describe(error) {
  const isError = error !== null && typeof error === 'object' && 'message' in error;
  return {
    status: 'error',
    type: isError ? String(error.name || 'Error') : 'Error',
    message: (isError ? String(error.message) : `threw ${String(error)}`).slice(0, 8000),
    stack: isError && typeof error.stack === 'string' ? error.stack.slice(0, 16000) : '',
  };
}

function fail(error) {
  let report;
  try {
    const limit = limitBehind(error);
    report = limit ? { ...describe(error), status: 'limit', limit } : describe(error);
  } catch {
    report = { status: 'error', type: 'Error', message: 'the error could not be described' };
  }
  finish(stringify(report));
}

function failPlainly(type, message) {
  finish(stringify({ status: 'error', type, message }));
}

function checked(key, value) {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new ResultError(`${value} at "${key}": NaN and Infinity are not JSON compliant`);
  }
  return value;
}

function succeed(result, limit) {
  let text;
  try {
    text = stringify(result, checked);
  } catch (error) {
    if (limitBehind(error) || /Invalid string length/.test(String(error && error.message))) {
      finish(stringify({ status: 'limit', limit: 'result' }));
    }
    const type = error instanceof ResultError ? 'InvalidResult' : String(error && error.name);
    const reason = String(error && error.message).split('\n')[0];
    failPlainly(type, `main returned what JSON cannot hold: ${reason}`);
  }
  if (text === undefined) text = 'null';
  if (Buffer.byteLength(text) > limit) finish(stringify({ status: 'limit', limit: 'result' }));
  finish(`{"status":"ok","result":${text}}`);
}

function lookUpMain() {
  const kind = new vm.Script('typeof main').runInThisContext();
  if (kind === 'undefined') {
    failPlainly('MainNotFound', 'the code must define a function called main');
  }
  if (kind !== 'function') {
    failPlainly('MainNotCallable', `main must be a function, not ${kind}`);
  }
  return new vm.Script('main').runInThisContext();
}

function serve() {
  const request = JSON.parse(readAll());
  process.on('uncaughtException', fail);
  process.on('beforeExit', () => {
    failPlainly('NoResult', 'the promise that main returned never settled');
  });
  Object.defineProperty(process, 'stdout', { value: blockingStream(1) });
  Object.defineProperty(process, 'stderr', { value: blockingStream(2) });
  globalThis.require = createRequire('/tmp/');
  new vm.Script(request.code, { filename: CODE }).runInThisContext();
  const outcome = lookUpMain()(request.inputs);
  Promise.resolve(outcome).then((result) => succeed(result, request.result_bytes), fail);
}

try {
  serve();
} catch (error) {
  fail(error);
}
