import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countTests } from "../../scripts/junit.ts";

function counts(report: string): unknown {
  const { passed, failed, skipped } = countTests(report);
  return { passed, failed, skipped };
}

describe("counting tests in a JUnit report", () => {
  it("counts a group of Deno's by its members", () => {
    const report = `<testsuites name="deno test" tests="5" failures="2">
      <testsuite name="./a_test.ts" tests="2">
        <testcase name="outer" classname="./a_test.ts" line="3"><failure message="1 test step failed">x</failure></testcase>
        <testcase name="alone" classname="./a_test.ts"></testcase>
      </testsuite>
      <testsuite name="ext:deno_node/testing.ts" tests="3">
        <testcase name="outer &gt; one" line="1"></testcase>
        <testcase name="outer &gt; two"><failure message="1 !== 2">no</failure></testcase>
        <testcase name="outer &gt; inner"></testcase>
        <testcase name="outer &gt; inner &gt; three"></testcase>
      </testsuite></testsuites>`;
    assert.deepEqual(counts(report), { passed: 3, failed: 1, skipped: [] });
    assert.deepEqual(countTests(report).names, [
      "alone",
      "outer > one",
      "outer > two",
      "outer > inner > three",
    ]);
  });

  it("counts a group of Deno's whose own hook failed as a failure", () => {
    const report = `<testsuite name="a">
      <testcase name="outer"><failure message="hook">x</failure></testcase>
      <testcase name="outer &gt; one"></testcase></testsuite>`;
    assert.deepEqual(counts(report), { passed: 1, failed: 1, skipped: [] });
  });

  it("reads the nested suites of Bun", () => {
    const report = `<testsuites name="bun test" tests="3" skipped="1"><testsuite name="a" tests="3">
      <testsuite name="outer" line="3">
        <testcase name="does &lt;one&gt;" classname="outer" assertions="0" />
        <testcase name="two" classname="outer"><failure type="AssertionError" message="a &gt; b">a</failure></testcase>
      </testsuite>
      <testcase name="todo one" classname=""><skipped message="TODO" /></testcase></testsuite></testsuites>`;
    assert.deepEqual(counts(report), { passed: 1, failed: 1, skipped: ["todo one"] });
  });

  it("reads Node's report, whose names hold a bare greater-than sign", () => {
    const report = `<testsuites>
      <testsuite name="outer" tests="1">
        <testcase name="a > b &lt;&amp;>" classname="outer" file="/x/a_test.ts"/>
        <testcase name="two" classname="outer" failure="1 !== 2"><failure type="testCodeFailure" message="1 !== 2">
          at &lt;anonymous> (file:///x) </failure></testcase>
      </testsuite>
      <testcase name="later" classname="test"><skipped type="todo" message="true"/></testcase>
      <!-- tests 3 --></testsuites>`;
    assert.deepEqual(counts(report), { passed: 1, failed: 1, skipped: ["later"] });
  });

  it("finds no test in an empty or cut-off report", () => {
    assert.deepEqual(counts(""), { passed: 0, failed: 0, skipped: [] });
    assert.deepEqual(counts('<?xml version="1.0"?><testsuites name="x" tests="4"'), {
      passed: 0,
      failed: 0,
      skipped: [],
    });
  });
});
