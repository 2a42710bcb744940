// Package access owns who may do what: accounts and how they sign in, sessions,
// roles, grants, and the Actor that every other room asks.
//
// One mechanism answers all questions (DESIGN.md section 8): a role is a named
// set of permissions; a grant is a person, a role, a node of a tree and a
// period. Holding a post gives the post's role at its node; everything else is
// granted by the security administrator. The same grants answer "may she do
// this to that case?" in memory (Check, Sees) and become the index walks of her
// lists (Walks); a property test keeps the two equal.
//
// It does not own posts and people (core/org) nor what a permission means: the
// rooms that check it do.
//
// Tables: access_role, access_account, access_device, access_enrolment,
// access_session, access_grant, access_attempt, access_pending,
// access_ceremony, access_passkey, access_shared, access_identity, access_use,
// access_alarm, access_alarm_rule, access_alarm_cursor, access_used,
// access_review, access_review_row.
//
// Promises callers rely on:
//   - Check asks the acting post (and what was granted to the person directly);
//     Sees and Walks ask everything the person holds.
//   - Walks(p) yields exactly the things for which Sees(p) is true.
//   - A session ends at sign-out, revocation, its idle or absolute limit; a
//     grant ends with its period. Until tells the earliest of them, Watch tells
//     of the ones that cannot be foreseen.
//   - Passwords are hashed outside write transactions, a few at a time.
//   - Whoever tries passwords elsewhere cannot lock the owner of an account out
//     (see attempt.go).
package access

import (
	"onegrid/internal/kit/fault"
)

// room is the name under which versions and migrations of this room are kept.
const room = "access"

var (
	// ErrDenied says that the acting post may not do this here.
	ErrDenied = fault.New(fault.Forbidden, "access.denied")
	// ErrSignIn asks to sign in: no session, or it ended.
	ErrSignIn = fault.New(fault.SignIn, "access.sign_in")
	// ErrWrong covers a wrong name, password, code and an account that cannot
	// sign in, all in the same words, so that nothing is learnt from it.
	ErrWrong = fault.New(fault.SignIn, "access.wrong_credentials")
	// ErrWait says that too many attempts failed from here; args: seconds.
	ErrWait = fault.New(fault.TooMany, "access.wait")
	// ErrBusy says that too many people sign in at this moment.
	ErrBusy = fault.New(fault.Busy, "access.busy")
	// ErrNotYourPost says that the person neither holds nor stands in for the
	// post at this time.
	ErrNotYourPost = fault.New(fault.Forbidden, "access.not_your_post")
	// ErrPassword says what is wrong with a new password; args: min.
	ErrPassword = fault.New(fault.Invalid, "access.weak_password")
	// ErrEnrolment says that an enrolment link is unknown, used or expired.
	ErrEnrolment = fault.New(fault.Missing, "access.enrolment_over")
	// ErrCode says that a code from the authenticator does not match.
	ErrCode = fault.New(fault.Invalid, "access.wrong_code")
	// ErrNotReleased says that a security administrator must release the
	// account first (two_person_rules account_and_rights).
	ErrNotReleased = fault.New(fault.Forbidden, "access.not_released")
	// ErrEnrolFirst says that the account has no second factor yet.
	ErrEnrolFirst = fault.New(fault.Forbidden, "access.enrol_first")
	// ErrConfirm asks the owner to prove again who sits here.
	ErrConfirm = fault.New(fault.Forbidden, "access.confirm_first")
	// ErrCeremony says that what was begun (a new factor, a passkey) is unknown
	// or took too long.
	ErrCeremony = fault.New(fault.Conflict, "access.begin_again")
	// ErrNoPasskeys says that this installation has no address that a passkey
	// could be bound to.
	ErrNoPasskeys = fault.New(fault.Conflict, "access.no_passkeys")
	// ErrPasskey says that what the authenticator made is not one for here.
	ErrPasskey = fault.New(fault.Invalid, "access.bad_passkey")
	// ErrManyPasskeys says that an account has enough of them; args: max.
	ErrManyPasskeys = fault.New(fault.Conflict, "access.too_many_passkeys")
	// ErrLastWay says that without it nobody could sign in any more.
	ErrLastWay = fault.New(fault.Conflict, "access.last_way")
	// ErrNoDevice says that this is no shared device, or none any more.
	ErrNoDevice = fault.New(fault.Missing, "access.no_device")
	// ErrWrongPIN says that the number does not open the device for the person.
	ErrWrongPIN = fault.New(fault.SignIn, "access.wrong_pin")
	// ErrPIN says that a number is guessed first; args: digits.
	ErrPIN = fault.New(fault.Invalid, "access.weak_pin")
	// ErrNoProvider says that the settings name no such identity provider.
	ErrNoProvider = fault.New(fault.Missing, "access.no_provider")
	// ErrNoSite says that this installation does not know its own address, which
	// a provider sends people back to.
	ErrNoSite = fault.New(fault.Conflict, "access.no_site")
	// ErrProviderAway says that a provider does not answer; args: provider.
	ErrProviderAway = fault.New(fault.Busy, "access.provider_away")
	// ErrProviderFailed says that a provider's answer is not to be believed, or
	// that it failed itself; args: provider.
	ErrProviderFailed = fault.New(fault.SignIn, "access.provider_failed")
	// ErrProviderWaved says that the person gave up at the provider; args: provider.
	ErrProviderWaved = fault.New(fault.SignIn, "access.provider_waved")
	// ErrUnknownIdentity says that whoever signed in there is linked to no account
	// here; args: provider.
	ErrUnknownIdentity = fault.New(fault.SignIn, "access.unknown_identity")
	// ErrIdentityWaits says that a security administrator must release it first.
	ErrIdentityWaits = fault.New(fault.Forbidden, "access.identity_waits")
	// ErrIdentityTaken says that it is linked already.
	ErrIdentityTaken = fault.New(fault.Conflict, "access.identity_taken")
	// ErrLocalOnly says that administrators sign in here and nowhere else.
	ErrLocalOnly = fault.New(fault.Conflict, "access.local_only")
	// ErrMissing says that there is no such account or grant.
	ErrMissing = fault.New(fault.Missing, "access.missing")
	// ErrInvalid carries the wrong fields of an input.
	ErrInvalid = fault.New(fault.Invalid, "access.invalid")
	// ErrNameTaken says that another account signs in with this name.
	ErrNameTaken = fault.New(fault.Conflict, "access.name_taken")
	// ErrHasAccount says that the person already has an account.
	ErrHasAccount = fault.New(fault.Conflict, "access.has_account")
	// ErrIncompatible says that one person may not hold both roles; args: role,
	// other, why.
	ErrIncompatible = fault.New(fault.Conflict, "access.incompatible_roles")
	// ErrSameHand says that a second person must do this: whoever did the
	// first half, by himself or through a stand-in, is not one.
	ErrSameHand = fault.New(fault.Forbidden, "access.same_hand")
	// ErrEnded says that the grant has already ended.
	ErrEnded = fault.New(fault.Conflict, "access.ended")
	// ErrReviewClosed says that a review round is closed; nothing in it changes.
	ErrReviewClosed = fault.New(fault.Conflict, "access.review_closed")
	// ErrReviewOpen says that a round has undecided rows; args: n.
	ErrReviewOpen = fault.New(fault.Conflict, "access.review_open")
	// ErrDecided says that a row of a round was decided already.
	ErrDecided = fault.New(fault.Conflict, "access.review_decided")
	// ErrLastAdmin says that the last administrator of a kind cannot be
	// removed.
	ErrLastAdmin = fault.New(fault.Conflict, "access.last_administrator")
	// ErrFounded says that the installation has its administrators already.
	ErrFounded = fault.New(fault.Conflict, "access.founded")
	// ErrNoDemo says that the demo's sign-in is not switched on.
	ErrNoDemo = fault.New(fault.Missing, "access.no_demo")
	// ErrChanged says that somebody changed the row since it was read.
	ErrChanged = fault.New(fault.Changed, "access.changed")
)
