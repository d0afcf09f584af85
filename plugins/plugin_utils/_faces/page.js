// Copyright (c) 2026 the mailops.triage authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Comfort only: the page says everything without it.
(function () {
  "use strict";
  var tools = document.getElementById("tools");
  var text = document.getElementById("filter");
  var said = document.getElementById("shown");
  var boxes = Array.prototype.slice.call(document.querySelectorAll("input[data-verdict]"));
  var items = Array.prototype.slice.call(document.querySelectorAll("[data-host]"));
  var folds = Array.prototype.slice.call(document.querySelectorAll("details"));

  function apply() {
    var words = text.value.toLowerCase().split(/\s+/);
    var off = {};
    var shown = 0;
    boxes.forEach(function (box) { off[box.dataset.verdict] = !box.checked; });
    items.forEach(function (item) {
      var hay = item.dataset.host;
      var hit = !off[item.dataset.v] && words.every(function (word) { return hay.indexOf(word) >= 0; });
      item.hidden = !hit;
      if (hit && item.tagName === "TR") { shown += 1; }
    });
    // A crowd folded away must not hide what was searched for.
    if (text.value) {
      folds.forEach(function (fold) { if (fold.className === "crowd") { fold.open = true; } });
    }
    said.textContent = shown === 1 ? "1 host shown" : shown + " hosts shown";
  }

  function reveal() {
    var at = location.hash && document.getElementById(location.hash.slice(1));
    if (at && at.tagName === "DETAILS") {
      at.open = true;
      at.scrollIntoView();
    }
  }

  function fold(open) {
    return function () {
      document.querySelectorAll("details.host").forEach(function (host) { host.open = open; });
    };
  }

  tools.hidden = false;
  text.addEventListener("input", apply);
  boxes.forEach(function (box) { box.addEventListener("change", apply); });
  document.getElementById("open").addEventListener("click", fold(true));
  document.getElementById("close").addEventListener("click", fold(false));
  window.addEventListener("hashchange", reveal);
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details.host").forEach(function (host) { host.open = true; });
  });
  reveal();
}());
