;;; assistant-test.el --- Types in a batch Emacs and reports what is seen  -*- lexical-binding: t -*-

;;; Commentary:
;; Started by test_emacs.py with the configuration from docs/editors.md loaded before it.

;;; Code:

;; A folder of packages, where they are not where Emacs looks for them.
(require 'package)
(let ((packages (getenv "ASSISTANT_TEST_EMACS_PACKAGES")))
  (when packages
    (add-to-list 'package-directory-list packages)))
(package-initialize)
(require 'lsp-mode)
(require 'lsp-inline-completion)

;; Nobody is there to be asked which folder is the project.
(setq lsp-auto-guess-root t
      lsp-guess-root-without-session t
      lsp-keep-workspace-alive nil
      lsp-enabled-clients '(assistant))

(defvar assistant-test-patience 60.0
  "Seconds after which a test has failed rather than the machine been slow.")

(defun assistant-test-report (what value)
  "Say to the test that WHAT is VALUE, as a line of its own."
  (princ (format "reported %s %s\n" what (json-encode value)) #'external-debugging-output))

(defun assistant-test-wait (what holds)
  "Let Emacs go on until HOLDS gives something, which is WHAT is waited for."
  (let ((end (+ (float-time) assistant-test-patience)) found)
    (while (not (setq found (funcall holds)))
      (when (> (float-time) end)
        (error "No %s" what))
      (accept-process-output nil 0.05))
    found))

(defun assistant-test-type (text)
  "Type TEXT, key by key."
  (mapc (lambda (key) (insert key)) text))

(defun assistant-test-ghost-text ()
  "What is suggested at the cursor, or nothing."
  (lsp-inline-completion-display t)
  (and (overlayp lsp-inline-completion--overlay)
       (concat (overlay-get lsp-inline-completion--overlay 'display)
               (overlay-get lsp-inline-completion--overlay 'after-string))))

(defun assistant-test-open (file)
  "Edit FILE, with the language server behind it."
  (find-file file)
  (lsp)
  (assistant-test-wait
   "server" (lambda () (and (lsp-workspaces)
                            (eq 'initialized (lsp--workspace-status (car (lsp-workspaces))))))))

(defun assistant-test-wait-recorded (outcome)
  "Wait until the record of use has a suggestion with that OUTCOME.
When lsp-mode ends a server, it waits for half a second and then kills it."
  (assistant-test-wait
   "record" (lambda ()
              (string-match-p (format "\"outcome\": *\"%s\"" outcome)
                              (shell-command-to-string "assistant history list --json")))))

(defun assistant-test-end ()
  "End the server."
  (let ((process (lsp--workspace-proc (car (lsp-workspaces)))))
    (lsp-workspace-shutdown (car (lsp-workspaces)))
    (assistant-test-wait "end" (lambda () (not (process-live-p process))))))

(provide 'assistant-test)
;;; assistant-test.el ends here
